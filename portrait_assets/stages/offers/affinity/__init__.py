"""What each customer will probably buy or take next, and what segments take more than others."""
