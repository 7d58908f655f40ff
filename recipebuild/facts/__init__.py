"""What the world says, a row each, written once: tables that everybody reads, with no I/O but their own."""
