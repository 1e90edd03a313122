"""placeholder until merged"""

import json

from openai_mockserver.judge.report import report_as_json

FORMATS = {"json": lambda r: json.dumps(report_as_json(r), indent=1)}
