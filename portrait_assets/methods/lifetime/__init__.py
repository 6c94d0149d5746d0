"""What customers will buy and spend, from their transactions alone.

A purchase is a day on which a customer bought; times are in weeks, spend in the money of the input.
A customer's history is x (purchases after the first), t_x (weeks from the first to the last) and
T (weeks from the first to the day as of which it is known).
"""
