"""Who uses the web site: users and how they prove themselves, sessions, teams and what each member may do."""
