"""Who asks: requests and live messages come in, collections are called, pages go out."""
