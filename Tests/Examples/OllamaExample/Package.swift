// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "OllamaExample",
    dependencies: [.package(name: "promptd", path: "../../..")],
    targets: [
        .executableTarget(
            name: "OllamaExample",
            dependencies: [.product(name: "Ollama", package: "promptd")],
            swiftSettings: [.enableUpcomingFeature("NonisolatedNonsendingByDefault")])
    ]
)
