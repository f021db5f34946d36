"""Every table of the control plane, so that whoever compares schemas knows them all."""

from control_plane.audit import models as audit
from control_plane.meetings import models as meetings
from control_plane.people import models as people
from control_plane.rooms import models as rooms

SLICES = (audit, people, meetings, rooms)
