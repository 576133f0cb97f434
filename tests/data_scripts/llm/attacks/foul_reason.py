"""Sends a reason with line breaks, terminal codes and a megabyte of text, for whoever prints or logs it."""

raise SystemExit("\x1b]0;ESC\x07\x1b[2J\r\nerror: done\n\u202e\x00" + "x" * (1 << 20))
