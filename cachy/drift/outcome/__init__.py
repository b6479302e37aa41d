"""What a run found: results, policy, changed fixtures and contracts, report."""
