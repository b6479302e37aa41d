"""Record your API calls once, replay them for ever, and hear when the API drifts."""
