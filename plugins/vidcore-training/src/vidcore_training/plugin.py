"""What this plugin offers: an optimizer, compilers, schedules, techniques, and a callback."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1

# kind, name, config, factory, summary
_COMPONENTS = [
    ("optimizer", "adam", "Adam", "optimizers:adam", "Adam, weight decay added to the gradient"),
    ("compiler", "model", "CompiledModel", "compilation:compiled_model", "torch.compile over the whole model"),
    ("compiler", "blocks", "CompiledBlocks", "compilation:compiled_blocks", "torch.compile over declared blocks"),
    ("schedule", "multistep", "MultiStep", "schedules:MultiStepSchedule", "a factor at each milestone, with warm-up"),
    ("schedule", "step", "Step", "schedules:StepSchedule", "a factor after every so many epochs, with warm-up"),
    ("schedule", "linear", "Linear", "schedules:linear", "a straight line down, with warm-up"),
    ("schedule", "poly", "Poly", "schedules:poly", "a power of what is left, with warm-up"),
    ("schedule", "one-cycle", "OneCycle", "schedules:OneCycleSchedule", "up and down once"),
    ("technique", "swa", "Swa", "averaging:StochasticAverage", "the mean of the weights of the last epochs"),
    ("technique", "precise-bn", "PreciseBn", "statistics:PreciseStatistics", "running statistics measured anew"),
    ("technique", "momentum", "Momentum", "momentum:MomentumSchedule", "a momentum with a schedule of its own"),
    ("technique", "recompute", "Recompute", "recompute:RecomputeBlocks", "less memory: blocks compute twice"),
    ("technique", "multigrid", "Multigrid", "multigrid:MultigridTraining", "small clips first, large ones later"),
    ("callback", "early-stopping", "EarlyStopping", "stopping:EarlyStop", "ends training without progress"),
]


@hookimpl
def vidcore_components() -> list[Component]:
    """One line for each."""
    return [
        Component(
            kind=kind,
            name=name,
            config=f"vidcore_training.config:{config}",
            factory=f"vidcore_training.{factory}",
            summary=summary,
        )
        for kind, name, config, factory, summary in _COMPONENTS
    ]
