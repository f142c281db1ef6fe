"""The page, the links of messages, Twilio's webhooks. Needs the extra `web`; imported only where switched on."""
