"""What registry tells the world; lineage listens, registry never knows.

All are sent synchronously. A receiver that raises fails the caller.
"""

from django.dispatch import Signal

# A commit gave a registered model a new current revision. Arguments: revision.
revision_committed = Signal()

# The weights of a revision have a stored sketch (new, or already known).
# Arguments: fingerprint, job (the running Job), report (to be called now and then
# by long work; raises when the job is lost).
fingerprint_stored = Signal()

# A model is now private, or public, or gone. Arguments: model. The caller holds the
# lock of the register.
visibility_changed = Signal()

# A model is to be removed. Arguments: model. A receiver returns True where something
# of others rests on it, so that its lineage has to stay. The caller holds the lock.
removal_asked = Signal()

# The sweeper went round; whoever has work that nobody asks for looks whether it is due.
swept = Signal()
