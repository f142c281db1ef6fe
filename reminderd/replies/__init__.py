"""What the user answers by text or mail, read, understood and done through the one door."""
