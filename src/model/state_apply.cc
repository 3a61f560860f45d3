// The fold. Each record is first held against the state, then applied: a record that does not fit
// changes nothing.
#include <fmt/format.h>

#include <algorithm>

#include "model/misfit.h"
#include "model/rules.h"
#include "model/short_id.h"
#include "model/state.h"

namespace cairn::model {
namespace {

std::string_view view_of(const std::optional<std::string>& text) {
  return text ? std::string_view(*text) : std::string_view();
}

// Takes a time into first and last of what was seen `before` times.
template <class Seen>
void widen(Seen& seen, uint64_t before, TimeUs time) {
  seen.first_seen = before == 0 ? time : std::min(seen.first_seen, time);
  seen.last_seen = before == 0 ? time : std::max(seen.last_seen, time);
}

}  // namespace

Result<Applied> State::apply(const Record& record, Lsn lsn) {
  const At at{record.time, lsn, record.actor};
  restated_.clear();
  auto applied = std::visit([&](const auto& body) { return fold(body, at); }, record.body);
  if (applied.ok() && !restated_.empty()) applied->restated = std::move(restated_);
  const bool ticks = std::holds_alternative<Ticked>(record.body);
  const bool first = last_tick_ == TimeUs{} && !std::holds_alternative<StoreCreated>(record.body);
  if (applied.ok() && (ticks || first)) {
    last_tick_ = record.time;
    dirty_registry_ = true;
  }
  return applied;
}

// --- occurrences ------------------------------------------------------------------------------

Result<Applied> State::fold(const Occurrence& occurrence, At at) {
  if (occurrence.fingerprint.empty()) return misfit(at.lsn, "an occurrence without fingerprints");
  Applied applied;
  applied.decided_by = deciding_fingerprint(occurrence);
  if (applied.decided_by == FingerprintId{}) {
    applied.decided_by = link(occurrence.project, occurrence.fingerprint.front());
  }
  Fingerprint& decided_by = change(applied.decided_by);
  if (decided_by.occurrences == 0 || occurrence.time() < decided_by.first_seen) {
    overwrite(decided_by.first_release, find_term(occurrence, field::kRelease).value_or(""));
  }
  widen(decided_by, decided_by.occurrences, occurrence.time());
  decided_by.occurrences += 1;
  decided_by.membership.add(hash128(as_chars(std::as_bytes(std::span(occurrence.id.bytes)))));

  const bool creates = decided_by.leaf == GroupId{};
  if (creates) {
    if (held_back(applied.decided_by, occurrence, at)) return applied;
    move_fingerprint(applied.decided_by, create_leaf(occurrence, at));
    if (decided_by.occurrences > 1) applied.regrouped.push_back(decided_by.leaf);
  }
  const GroupId leaf_id = decided_by.leaf;
  Group& leaf = change(leaf_id);
  const TimeUs first_seen = leaf.first_seen;
  observe(leaf, decided_by, creates, occurrence);
  if (leaf.standing == Standing::Kept) {
    const bool changed = react(leaf_id, occurrence, at);
    if (creates || changed) applied.touched.push_back(leaf_id);
    // Its first one too where it owns fingerprints that nothing came for yet (split off).
    if (leaf.times_seen == 1 || creates || leaf.first_seen < first_seen) watch(leaf_id);
    if (leaf.parent != GroupId{}) reopen_views(leaf_id, occurrence, at, applied);
  }
  if (occurrence.fingerprint.size() > 1 &&
      policy_of(occurrence.project) == FingerprintPolicy::Known) {
    link_unknown(occurrence, leaf_id, applied);
  }
  return applied;
}

// What every occurrence does to its leaf; the first one brings those held back before it.
void State::observe(Group& group, const Fingerprint& decided_by, bool creates,
                    const Occurrence& occurrence) {
  if (creates) {
    group.times_seen = decided_by.occurrences;
    group.first_seen = decided_by.first_seen;
    group.last_seen = decided_by.last_seen;
  } else {
    widen(group, group.times_seen, occurrence.time());
    group.times_seen += 1;
  }
  group.level = occurrence.level();
  const std::string_view culprit = view_of(occurrence.culprit);
  overwrite(group.culprit, culprit);
  observe_title(group, view_of(occurrence.title), culprit);
}

// A title that says nothing never replaces one that says something.
void State::observe_title(Group& group, std::string_view title, std::string_view culprit) {
  if (!placeholder_title(title)) return overwrite(group.title, title);
  if (!placeholder_title(group.title)) return;
  overwrite(group.title, culprit.empty() ? kUntitled : culprit);
}

void State::overwrite(Text& field, std::string_view value) {
  if (field != value) field = texts_.share(value);
}

FingerprintId State::deciding_fingerprint(const Occurrence& occurrence) const {
  const std::vector<std::string>& entries = occurrence.fingerprint;
  // A known first entry decides under either policy, so that most occurrences need no more.
  const FingerprintId first = find_fingerprint_id(occurrence.project, entries.front());
  if (entries.size() == 1) return first;
  const bool held = first != FingerprintId{} && fingerprint(first).leaf == GroupId{};
  if (first != FingerprintId{} && !held) return first;
  if (policy_of(occurrence.project) == FingerprintPolicy::First) return first;
  for (const std::string& entry : entries) {
    const FingerprintId known = find_fingerprint_id(occurrence.project, entry);
    if (known != FingerprintId{} && leaves_[raw(known)] != GroupId{}) return known;
  }
  return first;
}

FingerprintPolicy State::policy_of(ProjectId id) const {
  const Project* found = project(id);
  return found == nullptr ? FingerprintPolicy::First : found->policy;
}

GroupId State::create_leaf(const Occurrence& occurrence, At at) {
  Group leaf = next_group(occurrence.project, at);
  const GroupId id = leaf.id;
  leaf.type = occurrence.type;
  leaf.priority = occurrence.priority ? static_cast<uint8_t>(*occurrence.priority)
                                      : type(occurrence.type).default_priority;
  leaf.initial_priority = leaf.priority;
  leaf.assignee = view_of(occurrence.assignee);
  add(std::move(leaf));
  return id;
}

Group State::next_group(ProjectId id, At at) {
  Project& project = ensure_project(id);
  dirty_projects_.insert(id);
  Group group;
  group.id = GroupId{group_count() + 1};
  group.project = id;
  group.number = ++project.last_number;
  group.status_since = at.time;
  group.created = at.lsn;
  return group;
}

FingerprintId State::link(ProjectId project, std::string_view value) {
  const FingerprintId id{fingerprint_count() + 1};
  Fingerprint fingerprint;
  fingerprint.id = id;
  fingerprint.project = project;
  fingerprint.value = value;
  add(std::move(fingerprint));
  const bool is_new = index(id);
  CAIRN_ASSERT(is_new);
  dirty_fingerprints_.mark(id);
  return id;
}

void State::link_unknown(const Occurrence& occurrence, GroupId leaf, Applied& applied) {
  bool joined = false;
  for (const std::string& entry : occurrence.fingerprint) {
    FingerprintId id = find_fingerprint_id(occurrence.project, entry);
    if (id == FingerprintId{}) {
      id = link(occurrence.project, entry);
    } else if (leaves_[raw(id)] == GroupId{}) {
      held_.erase(id);
      dirty_held_.insert(id);
      joined = true;
    } else {
      continue;
    }
    move_fingerprint(id, leaf);
  }
  if (!joined) return;
  sum_up(leaf);
  watch(leaf);
  applied.regrouped.push_back(leaf);
}

// --- registry and projects --------------------------------------------------------------------

Result<Applied> State::fold(const StoreCreated& created, At at) {
  if (store_id_ != Uuid{} || !projects_.empty()) {
    return misfit(at.lsn, "the store is created in the first record, and only there");
  }
  if (created.store_id == Uuid{}) return misfit(at.lsn, "a store id that is all zero");
  store_id_ = created.store_id;
  dirty_registry_ = true;
  return Applied{};
}

Result<Applied> State::fold(const ProjectChanged& changed, At at) {
  if (changed.slug) {
    const Project* holder = find_project(*changed.slug);
    if (!valid_slug(*changed.slug)) {
      return misfit(at.lsn, fmt::format("'{}' is no project slug", *changed.slug));
    }
    if (holder != nullptr && holder->id != changed.project) {
      return misfit(
          at.lsn, fmt::format("project {} has the slug {} already", raw(holder->id), holder->slug));
    }
  }
  Project& project = ensure_project(changed.project);
  dirty_projects_.insert(project.id);
  if (changed.slug) rename(project, *changed.slug);
  if (changed.policy) project.policy = *changed.policy;
  if (changed.escalation_threshold) {
    project.escalation_threshold = *changed.escalation_threshold;
    escalations_ = escalations_ || project.escalation_threshold > 0;
  }
  if (changed.hold_back) project.hold_back = *changed.hold_back;
  if (changed.auto_resolve_hours) {
    project.auto_resolve_hours = *changed.auto_resolve_hours;
    due_filled_ = false;  // things may be due sooner
  }
  return Applied{};
}

Result<Applied> State::fold(const TypesChanged& changed, At) {
  if (changed.strict) strict_types_ = *changed.strict;
  for (const GroupType& type : changed.set) types_[type.id] = type;
  dirty_registry_ = true;
  if (!changed.set.empty()) due_filled_ = false;  // things may be due sooner
  return Applied{};
}

Project& State::ensure_project(ProjectId id) {
  const auto [it, added] = projects_.try_emplace(id);
  if (!added) return it->second;
  it->second.id = id;
  // decide() keeps slugs of this form for their own projects, so that the suffix is for logs of
  // other writers only.
  std::string slug = fmt::format("P{}", raw(id));
  while (find_project(slug) != nullptr) slug += 'x';
  rename(it->second, std::move(slug));
  dirty_projects_.insert(id);
  return it->second;
}

void State::rename(Project& project, std::string slug) {
  projects_by_slug_.erase(slug_key(project.slug));
  projects_by_slug_[slug_key(slug)] = project.id;
  project.slug = std::move(slug);
}

Result<GroupId> State::named(ProjectId project, uint32_t number, At at) const {
  const Group* found = find_group(project, number);
  if (found != nullptr) return found->id;
  return misfit(at.lsn, fmt::format("it names group {} of project {}, which does not exist", number,
                                    raw(project)));
}

void State::add(Group&& group) {
  std::vector<GroupId>& numbers = groups_by_number_[group.project];
  add(std::move(group), numbers);
}

void State::add(Group&& group, std::vector<GroupId>& numbers) {
  CAIRN_ASSERT(raw(group.id) == groups_.size() + 1);
  numbers.push_back(group.id);
  parents_.push_back(group.parent);
  groups_.push_back(std::move(group));
}

void State::add(Fingerprint fingerprint) {
  CAIRN_ASSERT(raw(fingerprint.id) == fingerprints_.size() + 1);
  leaves_.push_back(fingerprint.leaf);
  fingerprints_.push_back(std::move(fingerprint));
}

bool State::index(FingerprintId id) {
  const Fingerprint& added = fingerprint(id);
  for (uint32_t key = fingerprint_key(added.project, added.value);; ++key) {
    const uint32_t holder = fingerprints_by_hash_.find_or_add(key, raw(id));
    if (holder == raw(id)) return true;
    const Fingerprint& other = fingerprint(FingerprintId{holder});
    const bool same = other.project == added.project && other.value == added.value;
    if (same && !retired_.contains(other.id)) return false;
  }
}

Group& State::change(GroupId id) {
  dirty_groups_.mark(id);
  return groups_[raw(id) - 1];
}

Fingerprint& State::change(FingerprintId id) {
  dirty_fingerprints_.mark(id);
  return fingerprints_[raw(id) - 1];
}

Care& State::change_care(GroupId id) {
  dirty_care_.insert(id);
  Care& care = care_[id];
  care.id = id;
  return care;
}

void State::settle_care(GroupId id) {
  const auto it = care_.find(id);
  if (it != care_.end() && it->second.empty()) care_.erase(it);
}

}  // namespace cairn::model
