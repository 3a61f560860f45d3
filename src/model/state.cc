#include "model/state.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "model/forest.h"
#include "model/short_id.h"

namespace cairn::model {
namespace {

constexpr size_t kSlugsListed = 5;

std::optional<uint64_t> parse_decimal(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

GroupType State::type(uint32_t id) const {
  if (const auto it = types_.find(id); it != types_.end()) return it->second;
  const GroupType* known = find_known_group_type(id);
  return known != nullptr ? *known : unknown_group_type(id);
}

bool State::type_registered(uint32_t id) const {
  return types_.contains(id) || find_known_group_type(id) != nullptr;
}

const Project* State::project(ProjectId id) const {
  const auto it = projects_.find(id);
  return it == projects_.end() ? nullptr : &it->second;
}

const Project* State::find_project(std::string_view slug) const {
  const auto it = projects_by_slug_.find(slug_key(slug));
  return it == projects_by_slug_.end() ? nullptr : project(it->second);
}

const Group& State::group(GroupId id) const {
  CAIRN_ASSERT(raw(id) >= 1 && raw(id) <= groups_.size());
  return groups_[raw(id) - 1];
}

const Group* State::find_group(ProjectId project, uint32_t number) const {
  const auto it = groups_by_number_.find(project);
  if (it == groups_by_number_.end() || number == 0 || number > it->second.size()) return nullptr;
  return &group(it->second[number - 1]);
}

const Fingerprint& State::fingerprint(FingerprintId id) const {
  CAIRN_ASSERT(raw(id) >= 1 && raw(id) <= fingerprints_.size());
  return fingerprints_[raw(id) - 1];
}

uint32_t State::fingerprint_key(ProjectId project, std::string_view value) {
  return static_cast<uint32_t>(hash64(value, raw(project)));
}

FingerprintId State::find_fingerprint_id(ProjectId project, std::string_view value) const {
  for (uint32_t key = fingerprint_key(project, value);; ++key) {
    const uint32_t id = fingerprints_by_hash_.find(key);
    if (id == SlotMap<uint32_t>::kNone) return FingerprintId{};
    const Fingerprint& candidate = fingerprints_[id - 1];
    if (candidate.project != project || candidate.value != value) continue;
    if (retired_.empty() || !retired_.contains(candidate.id)) return candidate.id;
  }
}

const Fingerprint* State::find_fingerprint(ProjectId project, std::string_view value) const {
  const FingerprintId id = find_fingerprint_id(project, value);
  return id == FingerprintId{} ? nullptr : &fingerprint(id);
}

GroupId State::root_of(GroupId id) const {
  CAIRN_ASSERT(raw(id) >= 1 && raw(id) < parents_.size());
  while (parents_[raw(id)] != GroupId{}) id = parents_[raw(id)];
  return id;
}

std::vector<GroupId> State::roots_by_group(std::span<const GroupId> parents) const {
  std::vector<GroupId> roots(parents.size());
  std::vector<GroupId> path;
  for (uint32_t id = 1; id < parents.size(); ++id) {
    GroupId at{id};
    // Upwards until a root is known; every group on the way then gets it, so that each link is
    // walked once however deep the views nest.
    while (roots[raw(at)] == GroupId{} && parents[raw(at)] != GroupId{}) {
      path.push_back(at);
      at = parents[raw(at)];
    }
    if (roots[raw(at)] == GroupId{}) roots[raw(at)] = at;
    for (const GroupId below : path) roots[raw(below)] = roots[raw(at)];
    path.clear();
  }
  if (out_of_sight_ == 0) return roots;
  for (uint32_t id = 1; id < roots.size(); ++id) {
    if (group(roots[id]).standing != Standing::Kept) roots[id] = GroupId{};
  }
  return roots;
}

GroupId State::issue_of(GroupId id) const {
  if (id == GroupId{}) return id;
  const GroupId root = root_of(id);
  return group(root).standing == Standing::Kept ? root : GroupId{};
}

const Care& State::care(GroupId id) const {
  static const Care kNone;
  const auto it = care_.find(id);
  return it == care_.end() ? kNone : it->second;
}

const Releases& State::releases(ProjectId project) const {
  static const Releases kNone;
  const auto it = releases_.find(project);
  return it == releases_.end() ? kNone : it->second;
}

std::vector<GroupId> State::roots_by_fingerprint() const { return roots_by_fingerprint(parents_); }

std::vector<GroupId> State::roots_by_fingerprint(std::span<const GroupId> parents) const {
  const std::vector<GroupId> roots = roots_by_group(parents);
  std::vector<GroupId> out(leaves_.size());
  for (size_t id = 1; id < leaves_.size(); ++id) out[id] = roots[raw(leaves_[id])];
  return out;
}

std::vector<GroupId> State::members(GroupId id) const { return Forest(*this).members(id); }

void Totals::add(const Totals& more) {
  if (more.times_seen == 0) return;
  const bool first = times_seen == 0;
  first_seen = first ? more.first_seen : std::min(first_seen, more.first_seen);
  last_seen = first ? more.last_seen : std::max(last_seen, more.last_seen);
  times_seen += more.times_seen;
}

Totals State::totals(GroupId id) const { return Forest(*this).totals(id); }

const Group& State::face_of(GroupId id) const { return Forest(*this).face_of(id); }

GroupId State::rejoins(GroupId part) const {
  GroupId at = group(part).split_from;
  while (at != GroupId{} && group(at).fingerprints.empty()) at = group(at).split_from;
  return at;
}

std::string State::short_id(GroupId id) const {
  const Group& named = group(id);
  const Project* owner = project(named.project);
  CAIRN_ASSERT(owner != nullptr);
  return format_short_id(owner->slug, named.number);
}

Error State::unknown_project(std::string_view slug) const {
  if (projects_.empty()) {
    return make_error(ErrorCode::NotFound,
                      fmt::format("no project {}: this store has no projects yet", slug));
  }
  std::string listed;
  size_t count = 0;
  for (const auto& [id, project] : projects_) {
    if (count++ == kSlugsListed) break;
    listed += (listed.empty() ? "" : ", ") + project.slug;
  }
  const std::string more = projects_.size() > kSlugsListed
                               ? fmt::format(" and {} more", projects_.size() - kSlugsListed)
                               : "";
  return make_error(ErrorCode::NotFound,
                    fmt::format("no project {}: there is {}{}", slug, listed, more));
}

Result<GroupId> State::find_issue(std::string_view reference) const {
  std::string_view text = strip_issue_prefix(reference);
  const bool hash = text.starts_with('#');
  if (hash) text.remove_prefix(1);
  if (const std::optional<uint64_t> id = parse_decimal(text)) {
    if (*id >= 1 && *id <= groups_.size()) return GroupId{static_cast<uint32_t>(*id)};
    return make_error(
        ErrorCode::NotFound,
        fmt::format("no issue with id {}: this store has {} issues", *id, groups_.size()));
  }
  const std::optional<ShortIdParts> parts = hash ? std::nullopt : parse_short_id(text);
  if (!parts) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("'{}' names no issue: write a short id such as SHOP-3K, or an id "
                                  "such as 123",
                                  reference));
  }
  const Project* owner = find_project(parts->slug);
  if (owner == nullptr) return unknown_project(parts->slug);
  const Group* found = find_group(owner->id, parts->number);
  if (found != nullptr) return found->id;
  std::string known = "the project has no issues yet";
  if (owner->last_number > 0) {
    known =
        "the newest issue of the project is " + format_short_id(owner->slug, owner->last_number);
  }
  return make_error(
      ErrorCode::NotFound,
      fmt::format("no issue {}: {}", format_short_id(owner->slug, parts->number), known));
}

}  // namespace cairn::model
