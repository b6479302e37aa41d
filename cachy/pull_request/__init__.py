"""Keep one pull request whose diff is the provider's change."""
