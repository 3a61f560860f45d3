// Evaluations as bytes: docs/format.md, "Alert windows".
//
//   version u8 | rule u64 | floor? and done? | counted, late, early, not kept | names | side | side
//   names: only with group_by a field: count, then size and text of each, by their hash
//   side: refused | window of an absent key | number of keys | key and window of each
//   key: label (steps from the one before; of a field the number of its name) | fingerprint
//
// Numbers are varints. There is one way to write a state, and load() takes no other.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "alert/evaluation.h"
#include "base/assert.h"
#include "base/hash.h"
#include "storage/coding.h"

namespace cairn::alert {
namespace {

using Kind = query::RowKey::Kind;
using storage::RowReader;
using storage::RowWriter;

constexpr uint8_t kVersion = 1;

// How far the windows were moved.
enum class Moved : uint8_t { No, ToFirstTick, Advanced };

constexpr TimeUs kNever{std::numeric_limits<int64_t>::min()};

// Modulo 2^64: any two times have a difference.
uint64_t bits(TimeUs time) { return static_cast<uint64_t>(raw(time)); }

}  // namespace

struct Evaluation::Rows {
  // A value of group_by, and what its windows are charged for it.
  struct Label {
    uint64_t hash = 0;
    size_t bytes = 0;
  };
  struct Loaded {
    KeyedWindows counted;
    std::unique_ptr<KeyedWindows> whole;
    std::map<uint64_t, std::string> names{};
    std::vector<Label> labels{{}};  // 0: no value; then the names, in their order
    Figures figures{};
    TimeUs done = kNever;
  };

  // The tick that has its windows begin at the floor: mostly the one that is done.
  static uint64_t tick_at(const WindowShape& shape, int64_t floor) {
    return (static_cast<uint64_t>(floor) + shape.reach()) * static_cast<uint64_t>(shape.bucket_us);
  }

  // What decides what is kept, and how it was hashed.
  static uint64_t rule_of(const Evaluation& of) {
    const auto word = [](const std::unique_ptr<const Field>& field) {
      return field ? uint64_t{raw(field->id)} << 8 | uint64_t{static_cast<uint8_t>(field->kind)}
                   : ~uint64_t{0};
    };
    const WindowShape& shape = of.counted_.none().shape();
    const std::array<uint64_t, 8> all = {static_cast<uint64_t>(of.function_),
                                         static_cast<uint64_t>(shape.bucket_us),
                                         shape.buckets,
                                         shape.buckets_before,
                                         of.by_fingerprint_ ? 1u : 0u,
                                         of.whole_ ? 1u : 0u,
                                         word(of.of_),
                                         word(of.group_by_)};
    uint64_t hash = hash64(as_chars(std::as_bytes(std::span(all))), of.seed_);
    for (const auto* field : {&of.of_, &of.group_by_}) {
      if (*field && !(*field)->tag.empty()) hash = hash64((*field)->tag, hash);
    }
    return hash;
  }

  static bool has_labels(const Evaluation& of) {
    return of.group_by_ && !of.groups_by(Kind::Issue);
  }

  static void save_moved(const Evaluation& of, RowWriter& out) {
    const auto floor = of.counted_.none().floor();
    const Moved moved = !floor               ? Moved::No
                        : of.done_ == kNever ? Moved::ToFirstTick
                                             : Moved::Advanced;
    out.integer(static_cast<uint8_t>(moved));
    if (!floor) return;
    out.zigzag(*floor);
    if (moved != Moved::Advanced) return;
    const uint64_t tick = tick_at(of.counted_.none().shape(), *floor);
    out.zigzag(static_cast<int64_t>(bits(of.done_) - tick));
  }

  static bool load_moved(RowReader& in, const SavedBeside& beside, Loaded& into,
                         std::optional<int64_t>& floor) {
    const auto moved = in.integer<uint8_t>();
    if (moved > static_cast<uint8_t>(Moved::Advanced)) return false;
    if (moved == static_cast<uint8_t>(Moved::No)) return true;
    const Window& none = into.counted.none();
    floor = in.zigzag();
    if (*floor > none.floor_at(beside.next_tick)) return false;
    if (moved != static_cast<uint8_t>(Moved::Advanced)) return true;
    const uint64_t tick = tick_at(none.shape(), *floor);
    into.done = TimeUs{static_cast<int64_t>(tick + static_cast<uint64_t>(in.zigzag()))};
    return into.done != kNever && into.done < beside.next_tick &&
           none.floor_at(into.done) <= *floor;
  }

  // Each has a window on one side at least, which is charged for it.
  static bool load_names(RowReader& in, const Evaluation& of, Loaded& into) {
    size_t room = into.counted.max_bytes() + (into.whole ? into.whole->max_bytes() : size_t{0});
    const uint64_t size = in.varint();
    for (uint64_t i = 0; i < size && in.ok(); ++i) {
      const std::string_view name = in.take(in.varint());
      const uint64_t hash = of.label_hash(name);
      const size_t bytes = name_bytes(name);
      if (hash <= into.labels.back().hash || bytes > room) return false;
      room -= bytes;
      into.names.emplace_hint(into.names.end(), hash, name);
      into.labels.push_back({hash, bytes});
    }
    return in.ok();
  }

  static void save_side(const Evaluation& of, const KeyedWindows& windows, RowWriter& out) {
    out.varint(windows.refused());
    windows.none().save(out);
    out.varint(windows.size());
    const bool numbered = of.groups_by(Kind::Event);
    auto name = of.names_.begin();
    uint64_t named = 0;  // names before that one
    uint64_t label = 0;
    uint32_t fingerprint = 0;
    windows.for_each([&](const WindowKey& key, const Window& window) {
      for (; numbered && name != of.names_.end() && name->first <= key.label; ++name) ++named;
      const uint64_t steps = (numbered ? named : key.label) - label;
      label += steps;
      if (has_labels(of)) out.varint(steps);
      if (of.by_fingerprint_) out.varint(raw(key.fingerprint) - (steps == 0 ? fingerprint : 0));
      fingerprint = raw(key.fingerprint);
      window.save(out);
    });
  }

  static bool load_side(RowReader& in, const Evaluation& of, const SavedBeside& beside,
                        std::optional<int64_t> floor, Loaded& into, KeyedWindows& windows) {
    const uint64_t refused = in.varint();
    if (!windows.load_none(in, floor, refused)) return false;
    into.figures.refused += refused;
    const bool numbered = of.groups_by(Kind::Event);
    const uint64_t size = in.varint();
    uint64_t label = 0;
    uint64_t fingerprint = 0;
    for (uint64_t i = 0; i < size; ++i) {
      const uint64_t steps = has_labels(of) ? in.varint() : 0;
      label += steps;  // where that leads back, load_key() says no
      if (numbered && label >= into.labels.size()) return false;
      if (of.by_fingerprint_) {
        fingerprint = (steps == 0 ? fingerprint : 0) + in.varint();
        if (fingerprint >= beside.fingerprints) return false;
      }
      const Label is = numbered ? into.labels[label] : Label{label, 0};
      const WindowKey key{is.hash, FingerprintId{static_cast<uint32_t>(fingerprint)}};
      if (!windows.load_key(in, key, is.bytes)) return false;
    }
    return in.ok();
  }

  static bool load(RowReader& in, const Evaluation& of, const SavedBeside& beside, Loaded& into) {
    std::optional<int64_t> floor;
    if (!load_moved(in, beside, into, floor)) return false;
    Figures& figures = into.figures;
    for (uint64_t* figure : {&figures.counted, &figures.late, &figures.early, &figures.not_kept}) {
      *figure = in.varint();
    }
    if (of.groups_by(Kind::Event) && !load_names(in, of, into)) return false;
    if (!load_side(in, of, beside, floor, into, into.counted)) return false;
    if (into.whole && !load_side(in, of, beside, floor, into, *into.whole)) return false;
    return std::all_of(into.names.begin(), into.names.end(), [&](const auto& name) {
      return into.counted.has(name.first) || (into.whole && into.whole->has(name.first));
    });
  }
};

void Evaluation::save(RowWriter& out) const {
  out.integer(kVersion).integer(Rows::rule_of(*this));
  Rows::save_moved(*this, out);
  out.varint(figures_.counted).varint(figures_.late);
  out.varint(figures_.early).varint(figures_.not_kept);
  if (groups_by(Kind::Event)) {
    out.varint(names_.size());
    for (const auto& name : names_) out.varint(name.second.size()).append(name.second);
  }
  Rows::save_side(*this, counted_, out);
  if (whole_) Rows::save_side(*this, *whole_, out);
}

Result<void> Evaluation::load(RowReader& in, const SavedBeside& beside) {
  CAIRN_ASSERT(counted_.size() == 0 && (!whole_ || whole_->size() == 0));
  const auto version = in.integer<uint8_t>();
  const auto rule = in.integer<uint64_t>();
  if (in.ok() && version != kVersion) {
    return make_error(ErrorCode::Unsupported,
                      fmt::format("saved alert windows have version {}, this build reads {}: they "
                                  "have to be filled anew from the index",
                                  version, kVersion));
  }
  if (in.ok() && rule != Rows::rule_of(*this)) {
    return make_error(
        ErrorCode::Unsupported,
        "saved alert windows are of another rule, or of another seed for hashes: they "
        "have to be filled anew from the index");
  }
  Rows::Loaded loaded{counted_, whole_ ? std::make_unique<KeyedWindows>(*whole_) : nullptr};
  if (!in.ok() || !Rows::load(in, *this, beside, loaded)) {
    return make_error(
        ErrorCode::Corruption,
        "saved alert windows are damaged: they have to be filled anew from the index");
  }
  counted_ = std::move(loaded.counted);
  whole_ = std::move(loaded.whole);
  names_ = std::move(loaded.names);
  figures_ = loaded.figures;
  done_ = loaded.done;
  return {};
}

}  // namespace cairn::alert
