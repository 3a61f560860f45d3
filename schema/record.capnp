@0xd3b0c5a1e7f24a69;
# The records of a log frame that are no occurrences; those lie in columns beside this message
# (docs/format.md, "Record payload"). src/model/record_codec.h is the one reader and writer.
#
# Encoding: one Cap'n Proto message in the standard stream framing (segment table, then the
# segments, not packed), its root a Frame. The writer makes one segment whenever it can; a reader
# takes any number.
#
# A reader checks: pointers stay inside the message, text ends in NUL, numbers marked "enumerated"
# below have a listed value, `records` has as many entries as the payload says. Otherwise the
# payload is corrupt. It does not check whether a record fits the state: that is the fold's part.
#
# Versions. A field may be added: old logs then read as its default, so the default has to mean
# "as before". A record kind may be added: a build that does not know it refuses the log as
# unsupported instead of skipping a fact. Nothing is removed, renumbered or given another meaning.
# How records fold into state is versioned apart from this (kFoldVersion).
#
# Conventions. Text is UTF-8 and may hold NUL. "Absent" is a null pointer, which differs from an
# empty text. Times named ...Us are microseconds since 1970-01-01T00:00:00Z.

$import "/capnp/c++.capnp".namespace("cairn::schema");

struct Frame {
  records @0 :List(Record);
  # In LSN order.
}

struct Record {
  # One fact. Groups are named by project and number, the two parts of a short id, so that a
  # record means the same in every store that folded the same records of that project.

  timeUs @0 :Int64;
  # When it was recorded; with import --by-time, when the input says that it happened.

  keyLow @1 :UInt64;
  keyHigh @2 :UInt64;
  # Idempotency key: XXH3-128 of the command or input it came from. Both zero: none.

  actor @3 :Text;
  # Who did it. Absent: the system.

  union {
    storeCreated @4 :StoreCreated;
    projectChanged @5 :ProjectChanged;
    typesChanged @6 :TypesChanged;
    statusChanged @7 :StatusChanged;
    merged @8 :Merged;
    unmerged @9 :Merged;
    assigned @10 :Assigned;
    activity @11 :Activity;
    nothingChanged @12 :Void;
    # A command or input with a key found nothing to do. Its key is used up all the same.
    viewMade @13 :ViewMade;
    split @14 :Split;
    rejoined @15 :Rejoined;
    priorityChanged @16 :PriorityChanged;
    releaseChanged @17 :ReleaseChanged;
    ticked @18 :Ticked;
    noteChanged @19 :NoteChanged;
    attentionChanged @20 :AttentionChanged;
    linkChanged @21 :LinkChanged;
    standingChanged @22 :StandingChanged;
    experimentMade @23 :ExperimentMade;
    experimentAdded @24 :ExperimentAdded;
    experimentDropped @25 :ExperimentDropped;
    regrouped @26 :Regrouped;
    alertRuleChanged @27 :AlertRuleChanged;
    alertStatusChanged @28 :AlertStatusChanged;
    alertsTicked @29 :AlertsTicked;
    alertFired @30 :AlertFired;
    incidentChanged @31 :IncidentChanged;
  }
}

struct Uuid {
  # The sixteen bytes, big-endian: `high` holds the first eight.
  high @0 :UInt64;
  low @1 :UInt64;
}

struct StoreCreated {
  # The first record of every log.
  storeId @0 :Uuid;
}

struct ProjectChanged {
  project @0 :UInt64;
  slug @1 :Text;
  # Absent: unchanged.
  policy @2 :UInt8;
  # Enumerated: 0 unchanged, 1 first, 2 known.
  autoResolveHours @3 :UInt64;
  # 0 unchanged, else one more than the hours; 0 hours: never.
  escalationThreshold @4 :UInt64;
  # 0 unchanged, else one more than the occurrences an hour; 0 of them: none.
  holdBack @5 :UInt8;
  # Enumerated: 0 unchanged, 1 no, 2 yes.
}

struct ReleaseChanged {
  project @0 :UInt64;
  version @1 :Text;
  hasDate @2 :Bool;
  dateUs @3 :Int64;
  commits @4 :List(Text);
  # Added to those known.
}

struct TypesChanged {
  strict @0 :UInt8;
  # Enumerated: 0 unchanged, 1 occurrences of unregistered types enter, 2 they are refused.
  set @1 :List(GroupType);
  # Registered or replaced.
}

struct GroupType {
  id @0 :UInt32;
  slug @1 :Text;
  category @2 :UInt16;
  categoryV2 @3 :UInt16;
  defaultPriority @4 :UInt8;
  noiseLimit @5 :UInt32;
  quotaPerHour @6 :UInt32;
  released @7 :Bool;
  inDefaultSearch @8 :Bool;
  autoResolve @9 :Bool;
  escalation @10 :Bool;
}

struct StatusChanged {
  project @0 :UInt64;
  number @1 :UInt32;
  status @2 :UInt8;
  # Enumerated: 0 unresolved, 1 resolved, 2 ignored.
  substatus @3 :UInt8;
  # Enumerated: 0 none, 1 until_escalating, 2 escalating, 3 ongoing, 4 until_condition_met,
  # 5 forever, 6 regressed, 7 new.
  snooze @4 :Snooze;
  # Of until_condition_met; absent: no condition.
  resolution @5 :UInt8;
  # Enumerated: 0 now, 1 in a release, 2 in the release after one, 3 in a commit.
  version @6 :Text;
  # The release or commit.
  forecast @7 :List(UInt32);
  # Of until_escalating: the most occurrences an hour, by day from the record's time.
}

struct Snooze {
  # What lifts it, whichever comes first; 0: not that.
  untilUs @0 :Int64;
  count @1 :UInt32;
  windowMinutes @2 :UInt32;
  users @3 :UInt32;
  userWindowMinutes @4 :UInt32;
}

struct Ticked {
  # What is due by the record's time happens.
  forecasts @0 :List(NewForecast);
}

struct NewForecast {
  project @0 :UInt64;
  number @1 :UInt32;
  ceilings @2 :List(UInt32);
}

struct NoteChanged {
  project @0 :UInt64;
  number @1 :UInt32;
  change @2 :UInt8;
  # Enumerated: 0 added, 1 edited, 2 removed.
  note @3 :UInt32;
  text @4 :Text;
}

struct AttentionChanged {
  project @0 :UInt64;
  number @1 :UInt32;
  attention @2 :UInt8;
  # Enumerated: 0 bookmarked, 1 subscribed, 2 seen, 3 reviewed.
  who @3 :Text;
  off @4 :Bool;
}

struct LinkChanged {
  project @0 :UInt64;
  number @1 :UInt32;
  url @2 :Text;
  title @3 :Text;
  removed @4 :Bool;
}

struct StandingChanged {
  project @0 :UInt64;
  number @1 :UInt32;
  standing @2 :UInt8;
  # Enumerated: 0 kept, 1 deleted, 2 discarded.
}

struct Merged {
  # The children become, or stop being, parts of the view of the primary.
  project @0 :UInt64;
  primary @1 :UInt32;
  children @2 :List(UInt32);
}

struct ViewMade {
  # A group without fingerprints, made to show the children. Its number is the next of the project.
  project @0 :UInt64;
  number @1 :UInt32;
  title @2 :Text;
  children @3 :List(UInt32);
}

struct Split {
  # Fingerprints leave the group `number` for a new one, `part`, the next number of the project.
  project @0 :UInt64;
  number @1 :UInt32;
  part @2 :UInt32;
  fingerprints @3 :List(Text);
  partFace @4 :Face;
  restFace @5 :Face;
}

struct Face {
  # What a group shows of its newest occurrence.
  title @0 :Text;
  culprit @1 :Text;
  level @2 :UInt8;
  # Enumerated: 0 debug, 1 info, 2 warning, 3 error, 4 fatal, 5 sample.
}

struct Rejoined {
  # What was split off as `part` goes back to the group `number`: the one it came from, or, where
  # that went back itself, the one before.
  project @0 :UInt64;
  number @1 :UInt32;
  part @2 :UInt32;
}

struct Assigned {
  project @0 :UInt64;
  number @1 :UInt32;
  assignee @2 :Text;
  # "user:ID" or "team:ID". Absent: nobody.
}

struct PriorityChanged {
  project @0 :UInt64;
  number @1 :UInt32;
  priority @2 :UInt8;
  # Enumerated: 25 low, 50 medium, 75 high.
  locked @3 :Bool;
  # A person's choice, which nothing automatic changes.
}

struct Activity {
  # Something done to a group that changes no state: a note, a label.
  project @0 :UInt64;
  number @1 :UInt32;
  kind @2 :Text;
  # The name of the op.
  data @3 :Data;
  # The input line, verbatim JSON.
}

struct Links {
  # Many merges and unmerges, packed (docs/format.md, "Regroupings"). Unmerges come first.
  unmerges @0 :Data;
  merges @1 :Data;
}

struct ExperimentMade {
  # A merge experiment begins: a forest of its own over that of the store.
  name @0 :Text;
  # 1 to 64 of A-Z a-z 0-9 . _ -
  at @1 :UInt64;
  # Its rules are evaluated as of this record. 0: on the present.
}

struct ExperimentAdded {
  # One more step of an experiment: what a rule found when it was added.
  name @0 :Text;
  rule @1 :Text;
  # As written, for people.
  links @2 :Links;
}

struct ExperimentDropped {
  name @0 :Text;
}

struct Regrouped {
  # Many merges and unmerges of the store itself, in order.
  cause @0 :UInt8;
  # Enumerated: 0 sweep, 1 promotion, 2 undo.
  what @1 :Text;
  # The rule, the experiment's name, or the LSN of the record undone.
  links @2 :Links;
}

struct AlertRuleChanged {
  # An alert rule came, changed, or went.
  rule @0 :UInt32;
  # Its number within the store: of a new one the next.
  text @1 :Text;
  # The whole rule as JSON (docs/alerts.md, "A rule"). Absent: it was removed.
}

struct AlertStatusChanged {
  # Of rules that are otherwise as they were.
  rules @0 :List(UInt32);
  status @1 :UInt8;
  # Enumerated: 0 active, 1 creating, 2 updating, 3 deleting, 4 disabled.
}

struct AlertsTicked {
  # Alert rules were evaluated at a tick: the values that matter, which are those of keys remembered
  # and those beyond a threshold. What they bring about is the fold's.
  tickUs @0 :Int64;
  values @1 :List(AlertValue);
  # Ascending by rule, then by key.
  more @2 :Bool;
  # Further records of the same tick follow.
}

struct AlertValue {
  rule @0 :UInt32;
  key @1 :Text;
  # The value of group_by. Absent: none.
  state @2 :UInt8;
  # Enumerated: 0 known, 1 nothing to compute it of, 2 incomplete.
  value @3 :Float64;
  hasBase @4 :Bool;
  base @5 :Float64;
  # Of the earlier window.
}

struct AlertFired {
  # A rule about what happens to issues alerted about one.
  rule @0 :UInt32;
  project @1 :UInt64;
  number @2 :UInt32;
  event @3 :UInt8;
  # Enumerated: 0 first_seen, 1 regression, 2 escalating.
  occurrence @4 :Uuid;
  # Absent: none brought it about.
}

struct IncidentChanged {
  # What people do to an incident.
  incident @0 :UInt32;
  # Its number within the store.
  change @1 :UInt8;
  # Enumerated: 0 acknowledged, 1 commented, 2 closed.
  text @2 :Text;
  # Of a comment.
}
