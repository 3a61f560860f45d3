#include "engine/content_digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "model/field.h"

namespace cairn::engine {
namespace {

// Finalizer of SplitMix64 (Steele, Lea, Flood 2014): spreads a 64-bit word.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

// The hash that one value of a field adds for every occurrence that has it, by value id. Ids
// themselves differ between indexes, since retention leaves names in one that a new one never sees.
using ValueHashes = std::vector<uint64_t>;

struct Hashes {
  std::map<FieldId, ValueHashes> values;  // of postings and columns; entry 0: no value
  ValueHashes users;                      // of the user column
  std::vector<uint64_t> fingerprints;     // by FingerprintId
  uint64_t time = hash64("time");
};

Result<ValueHashes> hash_values(const storage::Dictionary& dictionary, const storage::ReadTxn* txn,
                                FieldId field, ValueId last, uint64_t seed) {
  ValueHashes hashes(1, hash64("nobody"));
  for (uint64_t id = 1; id <= raw(last); ++id) {
    const auto text = dictionary.value(field, ValueId{static_cast<uint32_t>(id)}, txn);
    if (!text.ok()) {
      return make_error(
          ErrorCode::Corruption,
          fmt::format("the dictionary has no value {} of field {}, though postings "
                      "have values up to {}: {}",
                      id, dictionary.field_name(field), raw(last), text.error().message));
    }
    hashes.push_back(hash64(*text, seed));
  }
  return hashes;
}

Result<Hashes> hash_names(const model::State& state, const storage::Dictionary& dictionary,
                          const storage::ReadTxn* txn,
                          std::span<const storage::Part* const> parts) {
  Hashes hashes;
  std::map<FieldId, ValueId> last;
  last[model::field::kUser] = ValueId{};
  for (const storage::Part* part : parts) {
    for (const FieldId field : part->fields()) {
      last[field] = std::max(last[field], part->field_stats(field).max_value);
    }
  }
  for (const auto& [field, value] : last) {
    const std::string name =
        (dictionary.is_tag(field) ? "tag:" : "field:") + dictionary.field_name(field);
    CAIRN_TRY_ASSIGN(hashes.values[field],
                     hash_values(dictionary, txn, field, value, hash64(name)));
  }
  CAIRN_TRY_ASSIGN(hashes.users, hash_values(dictionary, txn, model::field::kUser,
                                             last[model::field::kUser], hash64("user")));
  hashes.fingerprints.resize(1);
  for (uint32_t id = 1; id <= state.fingerprint_count(); ++id) {
    const model::Fingerprint& fingerprint = state.fingerprint(FingerprintId{id});
    hashes.fingerprints.push_back(hash64(fingerprint.value, raw(fingerprint.project)));
  }
  return hashes;
}

// The sum over one part. One for each thread.
class PartDigest {
 public:
  explicit PartDigest(const Hashes& hashes) : hashes_(hashes) {}

  Result<void> add(const storage::Part& part);
  const Hash128& total() const { return total_; }

 private:
  void add(uint64_t what, Lsn lsn) {
    const uint64_t low = mix(what ^ mix(raw(lsn)));
    total_.add({low, mix(low ^ what)});
  }
  Result<void> add_columns(const storage::Part& part);
  Result<void> add_field(const storage::Part& part, FieldId field);
  Result<uint64_t> hash_of(const ValueHashes& of, ValueId value) const;

  const Hashes& hashes_;
  Hash128 total_;
  std::vector<Lsn> lsns_;  // of the part
};

Result<uint64_t> PartDigest::hash_of(const ValueHashes& of, ValueId value) const {
  if (raw(value) < of.size()) return of[raw(value)];
  return make_error(ErrorCode::Corruption, fmt::format("a segment names value {}, its field has {}",
                                                       raw(value), of.size() - 1));
}

Result<void> PartDigest::add(const storage::Part& part) {
  std::vector<Ordinal> all(part.size());
  std::iota(all.begin(), all.end(), Ordinal{0});
  lsns_.resize(all.size());
  part.gather_lsns(all, lsns_.data());
  CAIRN_TRY(add_columns(part));
  for (const FieldId field : part.fields()) CAIRN_TRY(add_field(part, field));
  return {};
}

Result<void> PartDigest::add_columns(const storage::Part& part) {
  constexpr uint32_t kBlock = 1u << 14;
  std::vector<TimeUs> times(kBlock);
  std::vector<ValueId> users(kBlock);
  for (Ordinal begin = 0; begin < part.size(); begin += kBlock) {
    const storage::OrdinalRange block{begin, std::min(part.size(), begin + kBlock)};
    part.read_times(block, times.data());
    part.read_users(block, users.data());
    for (uint32_t i = 0; i < block.size(); ++i) {
      const Ordinal ordinal = begin + i;
      if (part.only() != nullptr && !part.only()->contains(ordinal)) continue;
      const FingerprintId fingerprint = part.fingerprint(ordinal);
      if (raw(fingerprint) >= hashes_.fingerprints.size()) {
        return make_error(ErrorCode::Corruption,
                          fmt::format("a segment names fingerprint {}", raw(fingerprint)));
      }
      add(hashes_.fingerprints[raw(fingerprint)], lsns_[ordinal]);
      add(hashes_.time ^ static_cast<uint64_t>(raw(times[i])), lsns_[ordinal]);
      CAIRN_TRY_ASSIGN(const uint64_t user, hash_of(hashes_.users, users[i]));
      add(user, lsns_[ordinal]);
    }
  }
  return {};
}

Result<void> PartDigest::add_field(const storage::Part& part, FieldId field) {
  const ValueHashes& hashes = hashes_.values.at(field);
  Result<void> sound;
  part.for_each_posting(field, [&](ValueId value, std::span<const Ordinal> ordinals) {
    const auto what = hash_of(hashes, value);
    if (!what.ok()) {
      sound = what.error();
      return false;
    }
    for (const Ordinal ordinal : ordinals) {
      if (part.only() == nullptr || part.only()->contains(ordinal)) add(*what, lsns_[ordinal]);
    }
    return true;
  });
  return sound;
}

}  // namespace

Result<Hash128> content_digest(const model::State& state, const storage::Dictionary& dictionary,
                               const storage::ReadTxn* txn,
                               std::span<const storage::Part* const> parts) {
  CAIRN_TRY_ASSIGN(const Hashes hashes, hash_names(state, dictionary, txn, parts));
  // Sums do not care for order: parts are added side by side.
  std::atomic<size_t> next = 0;
  const auto add_some = [&]() -> Result<Hash128> {
    PartDigest digest(hashes);
    for (size_t i = next++; i < parts.size(); i = next++) CAIRN_TRY(digest.add(*parts[i]));
    return digest.total();
  };
  const size_t helpers = std::min<size_t>(std::thread::hardware_concurrency(), parts.size());
  std::vector<std::future<Result<Hash128>>> beside;
  for (size_t i = 1; i < helpers; ++i) {
    beside.push_back(std::async(std::launch::async, add_some));
  }
  Result<Hash128> total = add_some();
  for (auto& helper : beside) {
    const Result<Hash128> other = helper.get();
    if (total.ok() && other.ok()) total->add(*other);
    if (total.ok() && !other.ok()) total = other.error();
  }
  return total;
}

}  // namespace cairn::engine
