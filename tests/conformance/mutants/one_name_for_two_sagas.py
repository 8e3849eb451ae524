"""Has two sagas of one name."""

from addonkit import Saga
from mutants.depot import made, with_steps

CAUGHT_BY = "shapes_of_sagas_are_locked"
SAYS = "two different sagas are named depot.provision"

GOOD = made()
TAKEN = Saga(GOOD.sagas.provision.name, inputs=GOOD.sagas.deprovision.inputs, steps=GOOD.sagas.deprovision.steps)
ADDON = with_steps(GOOD, deprovision=TAKEN)
