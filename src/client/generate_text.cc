#include "client/generate_text.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <span>

#include "client/generate_words.h"

namespace cairn::client {
namespace {

constexpr uint64_t kFineSalt = 0x66696e65u << 1;
constexpr uint64_t kCoarseSalt = 0x636f6172u << 1;

// How many of 64 events tell something, so that a line is as long as lean senders make it.
constexpr uint32_t kPlatformShare = 8;
constexpr uint32_t kFirstTagShare = 56;
constexpr uint32_t kSecondTagShare = 8;
// Browsers and phones nearly always know their user; servers often work for nobody.
constexpr uint32_t kFrontUserShare = 48;
constexpr uint32_t kBackUserShare = 24;
constexpr uint32_t kFrontUrlShare = 28;
constexpr uint32_t kBackUrlShare = 20;
// Of 64 problems: those found by a coarser fingerprint too.
constexpr uint32_t kCoarseShare = 28;

struct PlatformText {
  std::string_view name;
  std::string_view extension;
  std::span<const words::Template> templates;
};
constexpr PlatformText kPlatforms[] = {{"javascript", ".js", words::kJavascript},
                                       {"python", ".py", words::kPython},
                                       {"java", ".java", words::kJava},
                                       {"go", ".go", words::kGo},
                                       {"cocoa", ".swift", words::kCocoa}};
// Platform of the n-th project; half of all projects are web front ends, as the biggest is.
constexpr Platform kProjectPlatforms[] = {
    Platform::Javascript, Platform::Python, Platform::Javascript, Platform::Cocoa,
    Platform::Java,       Platform::Go,     Platform::Javascript, Platform::Java};

constexpr std::array<char, 512> make_hex_pairs() {
  std::array<char, 512> pairs{};
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (size_t byte = 0; byte < 256; ++byte) {
    pairs[2 * byte] = kDigits[byte >> 4];
    pairs[2 * byte + 1] = kDigits[byte & 15];
  }
  return pairs;
}
constexpr std::array<char, 512> kHexPairs = make_hex_pairs();

// Random bits spent piece by piece.
class Bits {
 public:
  explicit Bits(uint64_t bits) : bits_(bits) {}
  uint32_t take(int count) {
    const auto taken = static_cast<uint32_t>(bits_ & ((uint64_t{1} << count) - 1));
    bits_ >>= count;
    return taken;
  }
  std::string_view of(const words::Table64& table) { return table[take(6)]; }

 private:
  uint64_t bits_;
};

template <size_t N>
std::string_view word(const std::string_view (&list)[N], uint64_t hash) {
  return list[Random::scale(static_cast<uint32_t>(hash), N)];
}

// What all occurrences of one problem have in common.
struct Problem {
  uint64_t hash = 0;
  const PlatformText* platform = nullptr;
  const words::Template* form = nullptr;
};

void put_title(LineBlock& out, const Problem& problem) {
  const std::string_view text = problem.form->text;
  uint64_t hash = problem.hash;
  size_t begin = 0;
  for (size_t mark = text.find('%'); mark != std::string_view::npos; mark = text.find('%', begin)) {
    out.put(text.substr(begin, mark - begin));
    hash = mix64(hash);
    switch (text[mark + 1]) {
      case 'n':
        out.put(word(words::kNouns, hash));
        break;
      case 'm':
        out.put(word(words::kMethods, hash));
        break;
      case 'f':
        out.put(word(words::kFiles, hash));
        out.put(problem.platform->extension);
        break;
      case 'c':
        out.put(word(words::kClasses, hash));
        break;
      case 's':
        out.put(word(words::kServices, hash));
        break;
      default:
        out.decimal(100 + hash % 900);
    }
    begin = mark + 2;
  }
  out.put(text.substr(begin));
}

// One kind of tag for each platform; a part of the senders tells a second one.
void put_tags(LineBlock& out, Platform platform, Bits bits) {
  const bool second = bits.take(6) < kSecondTagShare;
  switch (platform) {
    case Platform::Javascript:
      out.literal("\"browser\":\"");
      out.put(bits.of(words::kBrowsers));
      if (!second) break;
      out.literal("\",\"os\":\"");
      out.put(bits.of(words::kDesktops));
      break;
    case Platform::Cocoa:
      out.literal("\"device\":\"");
      out.put(bits.of(words::kDevices));
      if (!second) break;
      out.literal("\",\"os\":\"");
      out.put(bits.of(words::kMobileSystems));
      break;
    default:
      out.literal("\"server\":\"");
      out.put(bits.of(words::kServers));
      if (!second) break;
      out.literal("\",\"region\":\"");
      out.put(bits.of(words::kRegions));
  }
  out.put('"');
}

}  // namespace

void LineBlock::hex(uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    std::memcpy(at_, &kHexPairs[2 * ((value >> shift) & 0xff)], 2);
    at_ += 2;
  }
}

void LineBlock::milliseconds(int64_t time_ms) {
  const auto whole = static_cast<uint64_t>(time_ms);
  decimal(whole / 1000);
  const uint64_t rest = whole % 1000;
  *at_++ = '.';
  *at_++ = static_cast<char>('0' + rest / 100);
  *at_++ = static_cast<char>('0' + rest / 10 % 10);
  *at_++ = static_cast<char>('0' + rest % 10);
}

OccurrenceWriter::OccurrenceWriter(const GenerateOptions& resolved, const FingerprintPlan& plan)
    : seed_(resolved.seed),
      releases_(resolved.releases_per_project),
      body_bytes_(resolved.body_bytes),
      plan_(plan),
      users_(resolved.users),
      projects_(resolved.projects) {
  for (size_t p = 0; p < projects_.size(); ++p) {
    Project& project = projects_[p];
    constexpr size_t kNames = std::size(words::kProjects);
    project.name = words::kProjects[p % kNames];
    if (p >= kNames) project.name += "-" + std::to_string(p / kNames + 1);
    project.platform = kProjectPlatforms[p % std::size(kProjectPlatforms)];
    const uint64_t urls = (uint64_t{resolved.urls} * plan.project_shares()[p]) >> 32;
    project.urls = LogUniform(static_cast<uint32_t>(std::max<uint64_t>(urls, 1)));
  }
}

void OccurrenceWriter::write(LineBlock& out, const Happening& happening, Random& random) const {
  const PlannedFingerprint& fingerprint = plan_.fingerprints()[happening.fingerprint];
  const Platform platform = projects_[fingerprint.project].platform;
  const uint64_t fine = mix64(seed_ ^ mix64(kFineSalt << 32 | happening.fingerprint));
  Problem problem;
  problem.hash = mix64(seed_ ^ mix64(kCoarseSalt << 32 | fingerprint.coarse));
  problem.platform = &kPlatforms[static_cast<size_t>(platform)];
  const auto& forms = problem.platform->templates;
  // The biggest problem is always the plain error of its platform.
  problem.form =
      &forms[fingerprint.coarse == 0 ? 0
                                     : Random::scale(static_cast<uint32_t>(problem.hash >> 32),
                                                     static_cast<uint32_t>(forms.size()))];

  out.literal("{\"id\":\"");
  out.hex(random.next());
  out.hex(random.next());
  out.literal("\",\"project_id\":");
  out.decimal(fingerprint.project + 1);
  out.literal(",\"fingerprint\":[\"");
  out.hex(fine);
  if (fingerprint.coarse != 0 && (problem.hash >> 12 & 63) < kCoarseShare) {
    out.literal("\",\"");
    out.hex(problem.hash);
  }
  out.literal("\"],\"issue_title\":\"");
  put_title(out, problem);
  out.literal("\",\"subtitle\":\"");
  out.put(word(words::kMethods, problem.hash >> 8));
  out.literal("\",\"type\":");
  out.decimal(problem.form->type);
  out.literal(",\"detection_time\":");
  out.milliseconds(happening.time_ms);
  out.literal(",\"level\":\"");
  out.put(fingerprint.coarse == 0 ? words::kLevels[0] : words::kLevels[problem.hash >> 20 & 63]);
  out.literal("\",\"event\":{");
  write_event(out, happening, random);
  out.literal("}}\n");
}

void OccurrenceWriter::write_event(LineBlock& out, const Happening& happening,
                                   Random& random) const {
  const PlannedFingerprint& fingerprint = plan_.fingerprints()[happening.fingerprint];
  const Project& project = projects_[fingerprint.project];
  out.literal("\"event_id\":\"");
  out.hex(random.next());
  out.hex(random.next());
  Bits bits(random.next());
  if (bits.take(6) < kPlatformShare) {
    out.literal("\",\"platform\":\"");
    out.put(kPlatforms[static_cast<size_t>(project.platform)].name);
  }
  out.literal("\",\"environment\":\"");
  out.put(bits.of(words::kEnvironments));
  out.literal("\",\"release\":\"");
  write_release(out, happening, random.next());
  out.put('"');
  if (bits.take(6) < kFirstTagShare) {
    out.literal(",\"tags\":{");
    put_tags(out, project.platform, Bits(random.next()));
    out.put('}');
  }
  const bool front =
      project.platform == Platform::Javascript || project.platform == Platform::Cocoa;
  if (bits.take(6) < (front ? kFrontUserShare : kBackUserShare)) {
    out.literal(",\"user\":{\"id\":\"");
    const uint32_t mask = std::bit_ceil(users_.size()) - 1;
    out.decimal(1000 + ((users_.rank(random.next()) * 2654435761u) & mask));
    out.literal("\"}");
  }
  if (project.platform != Platform::Cocoa &&
      bits.take(6) < (front ? kFrontUrlShare : kBackUrlShare)) {
    out.literal(",\"request\":{\"url\":\"");
    write_url(out, fingerprint, random);
    out.literal("\"}");
  }
  if (body_bytes_ > 0) write_exception(out, happening);
}

// The frames of one fine fingerprint are always the same ones, as they are in life.
void OccurrenceWriter::write_exception(LineBlock& out, const Happening& happening) const {
  const PlannedFingerprint& fingerprint = plan_.fingerprints()[happening.fingerprint];
  const auto& platform = kPlatforms[static_cast<size_t>(projects_[fingerprint.project].platform)];
  const size_t end = out.size() + body_bytes_;
  out.literal(",\"exception\":{\"values\":[{\"stacktrace\":{\"frames\":[");
  uint64_t hash = mix64(seed_ ^ happening.fingerprint);
  bool first = true;
  do {
    if (!first) out.put(',');
    first = false;
    hash = mix64(hash);
    out.literal("{\"filename\":\"");
    out.put(word(words::kFiles, hash));
    out.put(platform.extension);
    out.literal("\",\"function\":\"");
    out.put(word(words::kMethods, hash >> 16));
    out.literal("\",\"lineno\":");
    out.decimal(1 + (hash >> 40) % 1500);
    out.literal(",\"in_app\":");
    out.put((hash & 1) != 0 ? "true}" : "false}");
  } while (out.size() < end);
  out.literal("]}}]}");
}

void OccurrenceWriter::write_release(LineBlock& out, const Happening& happening,
                                     uint64_t random_bits) const {
  // A quarter of the releases is older than the run; the others come out evenly during it.
  const uint32_t old = releases_ / 4;
  const uint64_t position_q8 =
      uint64_t{old} * 256 + ((uint64_t{releases_ - old} * 256 * happening.progress_q32) >> 32);
  const auto newest = static_cast<uint32_t>(position_q8 >> 8);
  Bits bits(random_bits);
  // Each release has half the users of the next one; the newest is still being rolled out.
  auto age = static_cast<uint32_t>(std::countr_zero(bits.take(16) | 0x8000u));
  if (age == 0 && bits.take(8) > (position_q8 & 0xff)) age = 1;
  // One in eight has not updated for long: the square of a uniform number favours the less old.
  if (bits.take(3) == 0) {
    const uint32_t range = Random::scale(bits.take(16) << 16, releases_ / 2) + 1;
    age += Random::scale(bits.take(16) << 16, range);
  }
  const uint32_t release = newest - std::min(age, newest);
  const uint32_t project = plan_.fingerprints()[happening.fingerprint].project;
  out.put(projects_[project].name);
  out.put('@');
  out.decimal(1 + project % 4);
  out.put('.');
  out.decimal(release / 8);
  out.put('.');
  out.decimal(release % 8);
}

void OccurrenceWriter::write_url(LineBlock& out, const PlannedFingerprint& fingerprint,
                                 Random& random) const {
  const Project& project = projects_[fingerprint.project];
  uint64_t bits = random.next();
  if ((bits & 3) != 0) {
    // Three of four times a problem strikes on one of its own few pages.
    bits = mix64(mix64(seed_ ^ fingerprint.coarse) ^ own_pages_.rank(bits));
  }
  const uint32_t rank = project.urls.rank(bits);
  constexpr uint32_t kSections = std::size(words::kSections);
  out.literal("https://");
  out.put(project.name);
  out.literal(".example/");
  out.put(words::kSections[rank % kSections]);
  if (rank >= kSections) {
    out.put('/');
    out.decimal(rank / kSections);
  }
}

}  // namespace cairn::client
