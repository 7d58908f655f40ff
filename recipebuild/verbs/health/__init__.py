"""What this machine has of what builds need: the lines of ``recipebuild doctor``."""
