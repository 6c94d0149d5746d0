"""Models and cards judged: whether scores moved, came true, and treat groups alike."""
