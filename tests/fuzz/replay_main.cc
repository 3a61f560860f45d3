// Stands in for libFuzzer where there is no clang: runs a target over the files of a folder, then
// over mutations of them by a fixed seed. Usage: NAME_fuzz SEED_FOLDER [ROUNDS]
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include "fuzz/fuzz.h"

namespace {

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

std::vector<std::string> read_seeds(const char* folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());  // the same order on every file system
  std::vector<std::string> seeds = {""};
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return seeds;
}

std::string mutate(std::string text, const std::vector<std::string>& seeds, std::mt19937& random) {
  const auto below = [&](size_t n) { return random() % n; };
  for (size_t changes = 1 + below(6); changes > 0; --changes) {
    const size_t place = below(text.size() + 1);
    switch (below(5)) {
      case 0:
        text.insert(place, 1, static_cast<char>(random()));
        break;
      case 1:
        text.erase(place, below(8));
        break;
      case 2:
        if (place < text.size()) text[place] = static_cast<char>(random());
        break;
      case 3: {
        const std::string& other = seeds[below(seeds.size())];
        text.insert(place, other, below(other.size() + 1), below(32));
        break;
      }
      default:
        text.insert(place, text, below(text.size() + 1), below(32));
    }
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  const auto seeds = read_seeds(argc > 1 ? argv[1] : "");
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 20'000;
  for (const auto& seed : seeds) run(seed);
  std::mt19937 random(1);  // the same inputs in every run
  for (int i = 0; i < rounds; ++i) run(mutate(seeds[random() % seeds.size()], seeds, random));
  std::printf("%zu seeds, %d mutations\n", seeds.size(), rounds);
  return 0;
}
