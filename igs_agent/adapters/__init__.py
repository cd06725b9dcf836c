"""Other libraries' trainers on this environment and these estimators; each needs its library."""
