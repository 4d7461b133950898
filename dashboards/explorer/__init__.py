"""The explorer: a Panel app whose whole state is its address."""
