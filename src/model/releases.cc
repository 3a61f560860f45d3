#include "model/releases.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace cairn::model {

const Release* Releases::find(std::string_view version) const {
  const auto it = by_version_.find(version);
  return it == by_version_.end() ? nullptr : &all_[it->second - 1];
}

const Release* Releases::with_commit(std::string_view commit) const {
  const auto it = by_commit_.find(commit);
  return it == by_commit_.end() ? nullptr : &all_[it->second - 1];
}

std::vector<const Release*> Releases::newest(size_t count) const {
  std::vector<const Release*> out;
  for (auto it = by_date_.rbegin(); it != by_date_.rend() && out.size() < count; ++it) {
    out.push_back(&all_[it->second - 1]);
  }
  return out;
}

void Releases::add(Release release) {
  CAIRN_ASSERT(release.number == all_.size() + 1 && find(release.version) == nullptr);
  by_version_.emplace(release.version, release.number);
  all_.push_back(std::move(release));
  index(all_.back());
}

void Releases::change(Release release) {
  Release& present = all_[release.number - 1];
  CAIRN_ASSERT(present.version == release.version);
  by_date_.erase({present.date, present.number});
  present = std::move(release);
  index(present);
}

void Releases::index(const Release& release) {
  by_date_.emplace(std::pair(release.date, release.number), release.number);
  for (const std::string& commit : release.commits) {
    uint32_t& first = by_commit_.try_emplace(commit, release.number).first->second;
    first = std::min(first, release.number);  // a restore tells them in this order
  }
}

}  // namespace cairn::model
