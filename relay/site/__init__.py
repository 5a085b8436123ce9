"""The third door: a web site where people do it themselves, in both official languages, with or without scripts."""
