"""The roof: disk, clock, terminal and composition. It may import everything; nothing imports it."""
