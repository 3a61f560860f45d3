#include "base/text_pool.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"
#include "base/hash.h"

namespace cairn {
namespace {

constexpr size_t kMinCells = 16;

}  // namespace

Text TextPool::share(std::string_view text) { return share_hashed(text, hash64(text)); }

void TextPool::share_all(std::span<const std::string_view> texts, std::span<Text> out) {
  CAIRN_ASSERT(texts.size() == out.size());
  reserve(1);
  std::vector<uint64_t> hashes(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    hashes[i] = hash64(texts[i]);
    __builtin_prefetch(&cells_[home(hashes[i])]);
  }
  for (const uint64_t hash : hashes) cells_[home(hash)].prefetch();
  for (size_t i = 0; i < texts.size(); ++i) out[i] = share_hashed(texts[i], hashes[i]);
}

Text TextPool::share_hashed(std::string_view text, uint64_t hash) {
  if (text.empty()) return Text();
  if ((size_ + 1) * 2 > cells_.size()) {
    const auto used = [](const Text& one) { return !one.alone(); };
    rebuild(4 * static_cast<size_t>(std::count_if(cells_.begin(), cells_.end(), used)));
  }
  Text& found = cell(text, hash);
  if (found.empty()) {
    found = text;
    ++size_;
  }
  return found;
}

void TextPool::reserve(size_t texts) {
  if (2 * texts > cells_.size()) rebuild(std::max(2 * texts, cells_.size()));
}

Text& TextPool::cell(std::string_view text, uint64_t hash) {
  size_t i = home(hash);
  while (!cells_[i].empty() && cells_[i] != text) i = home(i + 1);
  return cells_[i];
}

// Keeps those that somebody has.
void TextPool::rebuild(size_t cells) {
  std::vector<Text> old(std::bit_ceil(std::max(cells, kMinCells)));
  std::swap(old, cells_);
  size_ = 0;
  for (Text& text : old) {
    if (text.alone()) continue;
    Text& place = cell(text, hash64(text));  // before the text is moved from
    place = std::move(text);
    ++size_;
  }
}

}  // namespace cairn
