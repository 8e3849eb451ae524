"""What exists, as frozen values without I/O. One file per noun."""
