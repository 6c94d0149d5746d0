"""Monotone scorecards: points per bin of each column, as rows and as SQL.

Columns are binned by a tree, pooled until bad rates are monotone, weighed by a logistic regression
on the weight of evidence, and scaled to points: N. Siddiqi (2006), "Credit Risk Scorecards"; L.
Thomas, D. Edelman, J. Crook (2002), "Credit Scoring and Its Applications". 1 stands for what is
not to happen (bad), such as a default; the more points, the less probable it is.
"""
