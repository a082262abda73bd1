//! The ledger against a plain model.
