"""reminderd keeps a job seeker's references warm and thanked."""

__version__ = "0.1.0"
