"""Has two sagas of one name."""

from addonkit import Saga
from mutants.depot import made, with_steps

CAUGHT_BY = "shapes_of_sagas_are_locked"
SAYS = "two different sagas are named depot.provision"

GOOD = made()
TAKEN = Saga(GOOD.provision.name, inputs=GOOD.deprovision.inputs, steps=GOOD.deprovision.steps)
ADDON = with_steps(GOOD, deprovision=TAKEN)
