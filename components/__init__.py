"""KFP components: thin, typed, without logic of their own."""
