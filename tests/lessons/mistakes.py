"""What the judge says to each known mistake. No tests in here."""

from autograde.judge import ask_here, judge


def what_is_told(exercises, seed):
    """For each known mistake: its name, the names of those whose sentence it gets, and whether it loses marks."""
    for exercise in exercises.values():
        sentences = {mistake.name: mistake.sentence for mistake in exercise.misconceptions}
        for mistake in exercise.misconceptions:
            verdict = judge(exercise, ask_here(mistake.answer, seed), seed)
            told = [name for name, sentence in sentences.items() if sentence in verdict.feedback]
            yield mistake.name, told, verdict.score < exercise.points
