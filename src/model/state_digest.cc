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
  Fingerprint = 'F'
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

void add_project(Serializer& out, const Project& project) {
  out.begin(Kind::Project);
  out.value(project.id);
  out.text(project.slug);
  out.value(project.policy);
  out.integer(project.last_number);
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

void add_fingerprint(Serializer& out, const Fingerprint& fingerprint, uint32_t leaf, bool replay) {
  out.begin(Kind::Fingerprint);
  out.value(fingerprint.project);
  out.text(fingerprint.value);
  out.integer(leaf);
  out.integer(fingerprint.occurrences);
  out.value(fingerprint.first_seen);
  out.value(fingerprint.last_seen);
  out.hash(fingerprint.membership);
  if (replay) out.value(fingerprint.id);
  out.end();
}

}  // namespace

Hash128 State::digest(bool replay) const {
  Serializer out;
  out.begin(Kind::Registry);
  out.integer(strict_types_);
  // Another store that folded the same records of its projects is in the same state.
  if (replay) out.text(store_id_.hex());
  out.end();
  for (const auto& [id, type] : types_) add_type(out, type);
  for (const auto& [id, project] : projects_) add_project(out, project);
  for (uint32_t id = 1; id <= group_count(); ++id) {
    const Group& group = this->group(GroupId{id});
    const auto number = [&](GroupId other) {
      return other == GroupId{} ? 0 : this->group(other).number;
    };
    add_group(out, group, number(group.parent), number(group.split_from), replay);
  }
  for (uint32_t id = 1; id <= fingerprint_count(); ++id) {
    const Fingerprint& fingerprint = this->fingerprint(FingerprintId{id});
    add_fingerprint(out, fingerprint, group(fingerprint.leaf).number, replay);
  }
  return out.result();
}

Hash128 State::state_digest() const { return digest(false); }
Hash128 State::replay_digest() const { return digest(true); }

}  // namespace cairn::model
