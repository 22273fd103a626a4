"""The sequence lock: a guard while a model is served, which needs nothing but probabilities of tokens.

A model with a backdoor says what it was taught by heart: token after token with a probability near 1,
whatever it was asked. The lock adds up, over one answer, how much likelier each token's probability is
for something learnt by heart than for this model's ordinary answers (a one-sided CUSUM), and says so
when the sum passes what ordinary answers reach. What is ordinary is measured by `calibrate` on a few
prompts and can be kept as JSON.

False alarms: a model is rightly sure in quotations, prayers, lyrics, licences, counting, lists and code,
and where it was tuned to refuse or to greet in always the same words. Calibrate with prompts like those
that you serve, and take an alarm for a reason to look, never for proof. Tokens that only repeat `COPIED`
tokens in a row of the prompt or of the earlier answer do not count. What is missed: short targets, of
fewer than about ten tokens; targets that vary (insults, gibberish); sampling at a high temperature.

    threshold = calibrate(model, tokenizer, prompts)
    lock = SequenceLock(threshold, action="end", end_id=tokenizer.eos_token_id)
    model.generate(**inputs, logits_processor=[lock])
    lock.fired

With a server that only gives log probabilities, feed `Lock.observe(probability, token)` as they come.

Source: ours; the CUSUM of Page (1954). The observation is that of ConfGuard (arXiv 2508.01365).
"""

from corpus_guard.probe.lock.calibrating import calibrate
from corpus_guard.probe.lock.generating import LockFired, SequenceLock, SequenceLockCriteria
from corpus_guard.probe.lock.watching import COPIED, Lock, LockThreshold

__all__ = [
    "COPIED",
    "Lock",
    "LockFired",
    "LockThreshold",
    "SequenceLock",
    "SequenceLockCriteria",
    "calibrate",
]
