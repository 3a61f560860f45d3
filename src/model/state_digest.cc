// Digests of the state. Every entity is serialized (a kind byte, then its fields: integers as 8
// bytes little-endian, texts with their length before them) and hashed; the digest is the hash of
// the sum of these hashes. Each serialization names its entity, so that the sum, which does not
// depend on the order, is that of a set.
//
// The state digest leaves out what tells how the state came about: ids given in order of arrival,
// LSNs, the order of merging and linking, and status_since, which is a record time. The replay
// digest has all of them.
#include <algorithm>

#include "model/state.h"

namespace cairn::model {
namespace {

enum class Kind : char {
  Registry = 'R',
  Type = 'T',
  Project = 'P',
  Group = 'G',
  Fingerprint = 'F',
  Care = 'C',
  Held = 'H',
  Release = 'V',
  Experiment = 'X',
  Step = 'S',
};

class Serializer {
 public:
  // Starts the next entity; the buffer is used again.
  void begin(Kind kind) { bytes_.assign(1, static_cast<char>(kind)); }
  void integer(uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) bytes_.push_back(static_cast<char>(value >> shift));
  }
  void text(std::string_view value) {
    integer(value.size());
    bytes_ += value;
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void value(Enum e) { integer(static_cast<uint64_t>(raw(e))); }
  void hash(const Hash128& value) {
    integer(value.low);
    integer(value.high);
  }
  // Adds the entity to the set.
  void end() { sum_.add(hash128(bytes_)); }

  Hash128 result() {
    bytes_.clear();
    hash(sum_);
    return hash128(bytes_);
  }

 private:
  std::string bytes_;
  Hash128 sum_;
};

void add_type(Serializer& out, const GroupType& type) {
  out.begin(Kind::Type);
  out.integer(type.id);
  out.text(type.slug);
  out.integer(type.category);
  out.integer(type.category_v2);
  out.integer(type.default_priority);
  out.integer(type.noise_limit);
  out.integer(type.released);
  out.integer(type.in_default_search);
  out.integer(type.auto_resolve);
  out.integer(type.escalation);
  out.integer(type.quota_per_hour);
  out.end();
}

void add_project(Serializer& out, const Project& project, bool replay) {
  out.begin(Kind::Project);
  out.value(project.id);
  out.text(project.slug);
  out.value(project.policy);
  out.integer(project.last_number);
  out.integer(project.auto_resolve_hours);
  out.integer(project.escalation_threshold);
  out.integer(project.hold_back);
  if (replay) {
    for (const Project::Made& made : project.made) {
      out.integer(made.type);
      out.integer(static_cast<uint64_t>(made.minute));
      out.integer(made.groups);
    }
  }
  out.end();
}

template <class Id>
void append_ids(Serializer& out, const IdList<Id>& ids) {
  out.integer(ids.size());
  for (const Id id : ids) out.value(id);
}

// `parent`: the number of the group it is merged into, 0 = visible. That one link makes the forest:
// parents are in the same project, and the children's side only repeats it. `split_from`: likewise.
void add_group(Serializer& out, const Group& group, uint32_t parent, uint32_t split_from,
               bool replay) {
  out.begin(Kind::Group);
  out.value(group.project);
  out.integer(group.number);
  out.integer(group.type);
  out.value(group.level);
  out.integer(group.priority);
  out.integer(group.priority_locked);
  out.integer(group.initial_priority);
  out.integer(group.reviewed);
  out.integer(group.reopened);
  out.value(group.standing);
  out.value(group.status);
  out.value(group.substatus);
  out.text(group.title);
  out.text(group.culprit);
  out.text(group.assignee);
  out.value(group.first_seen);
  out.value(group.last_seen);
  out.integer(group.times_seen);
  out.integer(parent);
  out.integer(split_from);
  if (replay) {
    out.value(group.id);
    out.value(group.status_since);
    out.value(group.created);
    out.value(group.merged_at);
    append_ids(out, group.children);
    append_ids(out, group.fingerprints);
  }
  out.end();
}

void add_snooze(Serializer& out, const Snooze& snooze, bool replay) {
  out.value(snooze.terms.until);
  out.integer(snooze.terms.count);
  out.integer(snooze.terms.window_minutes);
  out.integer(snooze.terms.users);
  out.integer(snooze.terms.user_window_minutes);
  out.integer(snooze.seen);
  out.integer(snooze.recent.size());
  out.integer(snooze.people.size());
  for (const auto& [hash, last] : snooze.people) {
    out.integer(hash);
    if (replay) out.value(last);
  }
  if (!replay) return;
  for (const TimeUs time : snooze.recent) out.value(time);
}

void add_people(Serializer& out, const Care& care, bool replay) {
  out.integer(care.bookmarked_by.size());
  for (const std::string& who : care.bookmarked_by) out.text(who);
  out.integer(care.subscribed_by.size());
  for (const std::string& who : care.subscribed_by) out.text(who);
  out.integer(care.seen.size());
  for (const auto& [who, time] : care.seen) {
    out.text(who);
    if (replay) out.value(time);
  }
}

void add_notes(Serializer& out, const Care& care, bool replay) {
  out.integer(care.last_note);
  out.integer(care.notes.size());
  for (const Note& note : care.notes) {
    out.integer(note.number);
    out.text(note.author);
    out.text(note.text);
    if (!replay) continue;
    out.value(note.time);
    out.value(note.edited);
  }
  out.integer(care.links.size());
  for (const ExternalLink& link : care.links) {
    out.text(link.url);
    out.text(link.title);
  }
}

void add_care(Serializer& out, const State& state, const Care& care, bool replay) {
  out.begin(Kind::Care);
  out.value(state.group(care.id).project);
  out.integer(state.group(care.id).number);
  out.integer(care.snooze.has_value());
  if (care.snooze) add_snooze(out, *care.snooze, replay);
  out.integer(care.resolution.has_value());
  if (care.resolution) {
    out.value(care.resolution->kind);
    out.text(care.resolution->version);
  }
  out.integer(care.forecast.has_value());
  if (care.forecast) {
    out.integer(care.forecast->ceilings.size());
    for (const uint32_t ceiling : care.forecast->ceilings) out.integer(ceiling);
    out.integer(care.forecast->in_hour);
    if (replay) {
      out.value(care.forecast->made);
      out.integer(static_cast<uint64_t>(care.forecast->hour));
    }
  }
  out.integer(care.reopened.size());
  for (const Reopened& one : care.reopened) {
    out.integer(state.group(one.by).number);
    out.integer(one.reviewed);
    out.text(one.release);
    if (!replay) continue;
    out.value(one.lsn);
    out.value(one.time);
  }
  out.integer(care.regressed_in.size());
  for (const std::string& release : care.regressed_in) out.text(release);
  add_notes(out, care, replay);
  add_people(out, care, replay);
  out.end();
}

void add_release(Serializer& out, const Release& release, bool replay) {
  out.begin(Kind::Release);
  out.value(release.project);
  out.text(release.version);
  out.integer(release.commits.size());
  for (const std::string& commit : release.commits) out.text(commit);
  if (replay) {
    out.integer(release.number);
    out.value(release.date);
  }
  out.end();
}

void add_held(Serializer& out, const State& state, const Held& held, bool replay) {
  const Fingerprint& fingerprint = state.fingerprint(held.id);
  out.begin(Kind::Held);
  out.value(fingerprint.project);
  out.text(fingerprint.value);
  out.integer(held.count);
  if (replay) out.value(held.last);
  out.end();
}

void add_fingerprint(Serializer& out, const Fingerprint& fingerprint, uint32_t leaf, bool replay) {
  out.begin(Kind::Fingerprint);
  out.value(fingerprint.project);
  out.text(fingerprint.value);
  out.integer(leaf);
  out.integer(fingerprint.occurrences);
  out.value(fingerprint.first_seen);
  out.value(fingerprint.last_seen);
  out.text(fingerprint.first_release);
  out.hash(fingerprint.membership);
  if (replay) out.value(fingerprint.id);
  out.end();
}

void add_links(Serializer& out, const ViewLinks& links) {
  out.integer(links.words());
  links.for_each_view([&](GroupId view, std::span<const GroupId> children) {
    out.value(view);
    out.integer(children.size());
    for (const GroupId child : children) out.value(child);
  });
}

// What is tried out is no part of what is: experiments are in the replay digest alone.
void add_experiment(Serializer& out, const Experiment& experiment) {
  out.begin(Kind::Experiment);
  out.text(experiment.name);
  out.value(experiment.at);
  out.value(experiment.created);
  out.value(experiment.promoted);
  out.integer(experiment.steps.size());
  out.end();
  for (size_t i = 0; i < experiment.steps.size(); ++i) {
    const ExperimentStep& step = experiment.steps[i];
    out.begin(Kind::Step);
    out.text(experiment.name);
    out.integer(i);
    out.text(step.rule);
    out.value(step.added);
    add_links(out, step.facts.cuts);
    add_links(out, step.facts.merges);
    out.end();
  }
}

}  // namespace

Hash128 State::digest(bool replay) const {
  Serializer out;
  out.begin(Kind::Registry);
  out.integer(strict_types_);
  // Another store that folded the same records of its projects is in the same state.
  if (replay) {
    out.text(store_id_.hex());
    out.value(last_tick_);
  }
  out.end();
  for (const auto& [id, type] : types_) add_type(out, type);
  for (const auto& [id, project] : projects_) add_project(out, project, replay);
  for (uint32_t id = 1; id <= group_count(); ++id) {
    const Group& group = this->group(GroupId{id});
    const auto number = [&](GroupId other) {
      return other == GroupId{} ? 0 : this->group(other).number;
    };
    add_group(out, group, number(group.parent), number(group.split_from), replay);
  }
  for (uint32_t id = 1; id <= fingerprint_count(); ++id) {
    const Fingerprint& fingerprint = this->fingerprint(FingerprintId{id});
    const GroupId leaf = fingerprint.leaf;
    add_fingerprint(out, fingerprint, leaf == GroupId{} ? 0 : group(leaf).number, replay);
  }
  for (const auto& [id, care] : care_) add_care(out, *this, care, replay);
  for (const auto& [id, held] : held_) add_held(out, *this, held, replay);
  for (const auto& [id, releases] : releases_) {
    for (const Release& release : releases.all()) add_release(out, release, replay);
  }
  if (replay) {
    for (const auto& [name, experiment] : experiments_) add_experiment(out, experiment);
  }
  return out.result();
}

Hash128 State::state_digest() const { return digest(false); }
Hash128 State::replay_digest() const { return digest(true); }

}  // namespace cairn::model
