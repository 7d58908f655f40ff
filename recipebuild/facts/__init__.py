"""What is known as data, in tables of frozen rows, from which code and documentation are made."""
