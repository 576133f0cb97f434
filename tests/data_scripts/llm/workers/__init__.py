"""Workers with holes, to see that the sandbox finds them; started in place of the real one."""
