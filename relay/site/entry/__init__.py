"""How somebody gets in: an account made, a password and a second factor, a password forgotten; and out."""
