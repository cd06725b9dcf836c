"""Builds the embedded world `atlas` from public facts."""
