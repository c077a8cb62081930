// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "EventLoopExample",
    dependencies: [.package(name: "promptd", path: "../../..")],
    targets: [
        .executableTarget(
            name: "EventLoopExample",
            dependencies: [.product(name: "EventLoop", package: "promptd")],
            swiftSettings: [.enableUpcomingFeature("NonisolatedNonsendingByDefault")])
    ]
)
