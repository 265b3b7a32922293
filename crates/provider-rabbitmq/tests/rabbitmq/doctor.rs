//! What `doctor` says.

use keywheel_testservers::Rabbitmq;
use serde_json::json;

use crate::scene::{Eye, OLD, Scene, fresh};

#[tokio::test]
async fn it_names_what_is_missing_and_the_command_that_helps() {
    let server = Rabbitmq::shared();
    let eye = Eye::on(&server);
    let name = fresh("examined");
    let user = Scene::new(&server).user(&name);
    let said = user.findings().await;
    assert!(said.contains("has no user") && said.contains("rabbitmqctl add_user"), "{said}");
    eye.put(&["users", &name], json!({"password": OLD, "tags": ""})).await;
    let said = user.findings().await;
    assert!(said.starts_with("Warning") && said.contains("rabbitmqctl set_permissions"), "{said}");
    eye.make(&name).await;
    let before = eye.state_of(&name).await;
    assert_eq!(user.findings().await, "");
    assert_eq!(eye.state_of(&name).await, before);

    // Administrators who are none.
    for (tags, expected) in
        [("", "lacks the tag `administrator`"), ("monitoring", "rabbitmqctl set_user_tags")]
    {
        let administrator = fresh("administrator");
        eye.put(&["users", &administrator], json!({"password": Rabbitmq::PASSWORD, "tags": tags})).await;
        let login = json!({"user": administrator, "password": "file:admin"});
        let said = Scene::new(&server).with("login", login).user(&name).findings().await;
        assert!(said.contains(expected), "{said}");
    }
    let scene = Scene::new(&server);
    std::fs::write(scene.directory.path().join("admin"), "hunter2").unwrap();
    let said = scene.user(&name).findings().await;
    assert!(said.contains("authenticate_user") && !said.contains("hunter2"), "{said}");
    std::fs::remove_file(scene.directory.path().join("admin")).unwrap();
    let said = scene.user(&name).findings().await;
    assert!(said.contains("the file does not exist"), "{said}");
}
