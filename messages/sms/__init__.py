"""What is said in a text message and how many parts that takes. Knows nothing of templates, services or providers."""
