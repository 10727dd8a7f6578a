"""What happens before a training: converting, checking and mining data, surrogate features, statistics."""
