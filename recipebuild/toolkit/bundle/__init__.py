"""The folder that goes to the board: what is in it, what it says of itself, and whether it is still whole."""
