#include "engine/content_digest.h"

#include <fmt/format.h>

#include <string>
#include <unordered_map>
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

class Sum {
 public:
  void add(uint64_t what, uint64_t lsn) {
    const uint64_t low = mix(what ^ mix(lsn));
    total_.add({low, mix(low ^ what)});
  }
  void add(const Hash128& hash) { total_.add(hash); }
  const Hash128& total() const { return total_; }

 private:
  Hash128 total_;
};

// Hashes of users' names by value id, looked up once each: ids themselves differ between indexes,
// since retention leaves names in one that a new one never sees.
class Users {
 public:
  Users(const storage::Dictionary& dictionary, const storage::ReadTxn* txn)
      : dictionary_(dictionary), txn_(txn) {}

  Result<uint64_t> hash_of(ValueId id) {
    if (id == ValueId{}) return hash64("nobody");
    if (const auto found = hashes_.find(id); found != hashes_.end()) return found->second;
    CAIRN_TRY_ASSIGN(const auto name, dictionary_.value(model::field::kUser, id, txn_));
    return hashes_[id] = hash64(name, hash64("user"));
  }

 private:
  const storage::Dictionary& dictionary_;
  const storage::ReadTxn* txn_;
  std::unordered_map<ValueId, uint64_t> hashes_;
};

Result<void> add_columns(const model::State& state, const storage::Part& part, Users& users,
                         Sum& sum) {
  for (Ordinal o = 0; o < part.size(); ++o) {
    const uint64_t lsn = raw(part.lsn(o));
    const model::Fingerprint& fingerprint = state.fingerprint(part.fingerprint(o));
    sum.add(hash64(fingerprint.value, raw(fingerprint.project)), lsn);
    sum.add(hash64("time") ^ static_cast<uint64_t>(raw(part.time(o))), lsn);
    CAIRN_TRY_ASSIGN(const uint64_t user, users.hash_of(part.user(o)));
    sum.add(user, lsn);
  }
  return {};
}

}  // namespace

Result<Hash128> content_digest(const model::State& state, const storage::Dictionary& dictionary,
                               const storage::ReadTxn* txn,
                               std::span<const storage::Part* const> parts) {
  Sum sum;
  Users users(dictionary, txn);
  std::vector<uint64_t> lsns;
  for (const storage::Part* part : parts) {
    CAIRN_TRY(add_columns(state, *part, users, sum));
    lsns.resize(part->size());
    for (Ordinal o = 0; o < part->size(); ++o) lsns[o] = raw(part->lsn(o));
    for (const FieldId field : part->fields()) {
      const std::string name =
          (dictionary.is_tag(field) ? "tag:" : "field:") + dictionary.field_name(field);
      const uint64_t seed = hash64(name);
      std::optional<Error> failed;
      part->for_each_value(field, [&](ValueId value, const storage::Bitmap& posting) {
        const auto text = dictionary.value(field, value, txn);
        if (!text.ok()) {
          failed = Error{ErrorCode::Corruption,
                         fmt::format("the dictionary has no value {} of field {}, which a posting "
                                     "names: {}",
                                     raw(value), name, text.error().message),
                         std::nullopt};
          return false;
        }
        const uint64_t what = hash64(*text, seed);
        posting.for_each([&](Ordinal o) { sum.add(what, lsns[o]); });
        return true;
      });
      if (failed) return *std::move(failed);
    }
  }
  return sum.total();
}

}  // namespace cairn::engine
