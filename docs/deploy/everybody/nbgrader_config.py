"""nbgrader, in each server and terminal of a hub: which exchange, and for the instructor which course."""

import os

from autograde.cells import skip_demonstrations
from autograde.course import COURSE_ID

c = get_config()
c.CourseDirectory.course_id = COURSE_ID
c.Execute.on_notebook_start = skip_demonstrations  # for Validate
if ngshare := os.environ.get("AUTOGRADE_NGSHARE"):  # on Kubernetes, where people share no folder
    from ngshare_exchange import configureExchange

    configureExchange(c, ngshare)
else:
    c.Exchange.root = os.environ["AUTOGRADE_EXCHANGE"]
    c.ExchangeFactory.collect = "autograde.exchange.CollectByOwner"
if course := os.environ.get("AUTOGRADE_ROOT"):
    c.CourseDirectory.root = course  # whose own nbgrader_config.py has the rest
