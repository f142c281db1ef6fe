"""Drafts for the user to send, and the messages to the user that carry them."""
