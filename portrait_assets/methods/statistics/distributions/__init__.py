"""How values are distributed: bins, peaks, and how far two distributions lie apart."""
